"""What is made of all the parts: `serving` is the recipe, the others are its steps."""
