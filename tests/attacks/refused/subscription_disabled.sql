-- control: none: stops replication
ALTER SUBSCRIPTION devinprod DISABLE
