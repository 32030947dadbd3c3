"""What may be searched for in each list (`q`)."""
