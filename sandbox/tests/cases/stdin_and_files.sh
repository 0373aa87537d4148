printf 'one\ntwo\n' > in
while read line; do (echo "got $line"); done < in
cat <<X | tr a-z A-Z
here document
X
