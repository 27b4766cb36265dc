"""Training: data engines, configuration, loss and loop. Needs only torch, numpy and safetensors."""
