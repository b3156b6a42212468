"""Functions shared by our Ansible modules; Ansible only packs a package that has this file."""
