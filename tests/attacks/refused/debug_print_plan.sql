SET debug_print_plan = on
