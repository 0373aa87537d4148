kill -0 1; echo $?
