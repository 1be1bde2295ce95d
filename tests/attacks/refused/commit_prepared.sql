-- control: none: there is none
COMMIT PREPARED 'mine'
