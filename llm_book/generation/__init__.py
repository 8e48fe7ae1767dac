"""logits → tokens: any callable ids → logits writes on, greedily, at random or by beams.

filtering     which tokens stay possible: temperature, top-k, top-p, min-p, repetition penalty
sampling      one token a row from logits, and whole texts: ``stream_tokens``, ``generate``
stopping      end tokens, stop strings, and where a text is cut
cache         a model with what it has read: key-value cache where the model has one
texts         rows of tokens that grow
answering     an encoder-decoder as a callable ids → logits
writing       one text, printed as it grows
beam          the best continuations found by keeping several
speculative   a small model proposes, the large one decides, the distribution stays
"""
