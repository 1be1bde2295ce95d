SELECT v FROM open_orders v
