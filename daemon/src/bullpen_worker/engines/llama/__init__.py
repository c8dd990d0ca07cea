"""Language models by llama.cpp, from GGUF files."""
