"""The lab: single things without a project. Nothing that is made here is kept."""
