exec sh -c 'exec sh -c "exec sh -c \"exit 11\""'
