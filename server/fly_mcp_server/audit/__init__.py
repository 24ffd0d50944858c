"""What was done: one event a call, chained, so that nothing can be changed or taken out unseen.

trail     what is kept of a call       chain     how lines hang together
sentence  the same in plain English    target    the file, or stderr
verify    whether a file is whole      reading   the events of a file
"""
