-- control: none: runs a program
COPY customers TO PROGRAM 'cat > /tmp/stolen'
