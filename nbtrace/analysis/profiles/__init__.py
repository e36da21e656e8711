"""What samples, statements and resources tell of the inside of cells: its time, allotted once, by line, function and library."""
