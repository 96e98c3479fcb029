"""What a message says: protobuf to typed content and back, one family a file."""
