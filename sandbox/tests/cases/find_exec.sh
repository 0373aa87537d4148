mkdir -p d/e; touch d/a d/b d/e/c
find d -type f -exec sh -c 'basename $1' - {} \; | sort
find d -type f -exec echo {} + | tr ' ' '\n' | sort
