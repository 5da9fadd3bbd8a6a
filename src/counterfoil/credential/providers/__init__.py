"""Where private keys live: one small interface, chosen by URI. No provider ever gives a key away."""
