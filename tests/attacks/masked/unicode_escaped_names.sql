SELECT U&"\0065mail" FROM U&"c\0075stomers"
