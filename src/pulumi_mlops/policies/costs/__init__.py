"""What a month of a stack costs, as far as its resources and dated tables of prices tell."""
