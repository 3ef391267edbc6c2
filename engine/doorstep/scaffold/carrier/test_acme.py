"""Acme Post: the contract of every carrier, and what is special about this one."""

from doorstep.testing import CarrierContract


class TestContract(CarrierContract):
    package = "doorstep_acme"
