-- control: none: needs a server
IMPORT FOREIGN SCHEMA public FROM SERVER elsewhere INTO public
