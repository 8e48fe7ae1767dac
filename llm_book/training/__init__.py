"""model + batches → steps: the loop, what drives it, and what survives a crash.

loop, history, averaging, early_stopping, checkpoint     a run
losses, word_vector_losses, contrastive                  what a model is told
preference, distillation                                 and by whom
optim, schedule, clipping                                how it moves
distributed, rows                                        several processes as one
skip_gram, expected_skip_gram                            word vectors fast, and their optimum
private, renyi                                           noise for privacy, and its price
"""
