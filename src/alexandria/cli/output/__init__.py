"""What commands print: tables, the grid, log lines and reports."""
