"""Lists of books as people have them: reading, answering and continuing them."""
