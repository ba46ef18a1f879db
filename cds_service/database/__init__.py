"""The one database: feedback and the tokens that were used (``CART_CDS_DATABASE_URL``)."""
