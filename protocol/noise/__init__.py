"""The Noise handshake (XX, IK, XXfallback), the certificate chain and the transport ciphers."""
