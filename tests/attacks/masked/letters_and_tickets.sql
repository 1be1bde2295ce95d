SELECT e.body, e.recipient, t.body, t.sender FROM emails e FULL JOIN support_tickets t ON t.id = e.id
