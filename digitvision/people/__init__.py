"""How the model that ships is made: its training images, its training and its model card."""
