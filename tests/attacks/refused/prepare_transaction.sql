-- control: none: outlives the session
BEGIN; PREPARE TRANSACTION 'mine'
