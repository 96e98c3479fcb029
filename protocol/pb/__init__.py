"""Protobuf schemas, written for what is used; `make proto` regenerates the modules beside them."""
