( ( ( exit 3 ) ; echo "inner $?"; exit 4 ) ; echo "middle $?"; exit 5 )
echo "outer $?"
{ echo grouped; (echo nested); } | cat
