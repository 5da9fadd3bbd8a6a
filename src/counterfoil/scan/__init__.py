"""What is wrong with this message? Bytes in, findings and a verdict out; nothing here touches the world."""
