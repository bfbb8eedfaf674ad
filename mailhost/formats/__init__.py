"""How dates are written, where Django has another way than the lists of the webmail."""
