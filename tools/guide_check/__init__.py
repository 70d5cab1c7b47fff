"""What tools/check_guide.py is made of.

cell_process   one fresh process that runs the cells and records what they did
running        starts those processes, one per seed, and reads their records
reference      the cells of a notebook with their saved outputs
text           output as lines, tokens and figures: what carries meaning and what does not
alignment      which line of ours stands for which line of the reference
figures        whether a figure of the reference lies in the spread of ours
comparison     the verdict on one cell
report         the table and the JSON file
page           the HTML file
"""
