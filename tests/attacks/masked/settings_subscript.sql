SELECT settings['cnrykey'] FROM customers
