"""What the measurements say of a candidate: guards, evidence, judgement."""
