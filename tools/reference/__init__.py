"""What `keras_reference.py` computes, one module for each subject."""
