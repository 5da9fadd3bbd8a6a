"""The drill: a theft from alert to proof, in the laboratory, with the truth beside every claim."""
