"""outputs → numbers, each with what says how far it can be trusted.

metrics, classification, ranking, calibration, selective      labels and scores
intervals                                                     how far a number may be off
language_modelling                                            perplexity, bits per byte
translation, overlap, question_answering, alignment           texts beside reference texts
similarity, analogies, bias, debias, counterfactual           word vectors and what they hold
memorisation, diversity, pass_at_k                            what it gives away, repeats, solves
accounting, decoder_sizes, memory, energy                     what it costs
power_law, floored_power_law, scaling_law                     how it goes with size and data
predictions, rivals                                           a classifier's outputs; classical ones
"""
