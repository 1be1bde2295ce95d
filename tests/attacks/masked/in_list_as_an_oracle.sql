-- answer: 0
SELECT count(*) FROM customers WHERE notes IN ('cnrynote1 cnry1@cnry.example', 'cnrynote2 cnry2@cnry.example', 'cnrynote3 cnry3@cnry.example') OR name = ANY (ARRAY['Cnry cnryname1'])
