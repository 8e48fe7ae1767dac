"""model + batches → steps: the loop, what drives it, and what survives a crash.

loop, history, averaging, early_stopping, checkpoint     a run
losses, word_vector_losses, contrastive, preference      what a model is told
optim, schedule, clipping                                how it moves
distributed, rows                                        several processes as one
skip_gram, expected_skip_gram                            word vectors fast, and their optimum
private, renyi                                           noise for privacy, and its price
"""
