-- control: none: no rollback undoes it
CREATE DATABASE mine
