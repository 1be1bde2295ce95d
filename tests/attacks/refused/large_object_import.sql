SELECT lo_import('/etc/hostname')
