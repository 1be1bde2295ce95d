-- control: none: no rollback undoes it
DROP DATABASE IF EXISTS nobody
