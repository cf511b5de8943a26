"""Fixtures: nodes that are shared by the tests that leave them as they found them, and nodes of a test's own."""
import shutil

import pytest

import rpcs
import sockets
from nodes import REFERENCE_PORT, Node, Reference

TEMPORARY = "tambo-interop"


class Pool:
    """One node for each number of shards, started when first wanted; one that died is replaced for the next test."""

    def __init__(self, directory):
        self.directory = directory
        self.nodes = {}
        self.count = 0

    def get(self, shards):
        if shards not in self.nodes:
            self.count += 1
            self.nodes[shards] = self.make(shards)
        return self.nodes[shards]

    def make(self, shards):
        if REFERENCE_PORT:
            return Reference(REFERENCE_PORT)
        return Node(self.directory / f"shared-{self.count}", shards).start()

    def drop(self, shards):
        node = self.nodes.pop(shards)
        node.close()


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp(TEMPORARY))
    yield pool
    for shards in list(pool.nodes):
        pool.drop(shards)


@pytest.fixture(params=[0] if REFERENCE_PORT else [1, 2], ids=["reference"] if REFERENCE_PORT else ["1-shard", "2-shards"])
def shards(request):
    return request.param


@pytest.fixture
def node(pool, shards):
    """A node that other tests use too: keep to topics and client ids of your own (fixture `name`)."""
    node = pool.get(shards)
    yield node
    try:
        node.check()
    except AssertionError:
        del pool.nodes[shards]
        if node.running():
            node.kill()
        raise


@pytest.fixture
def new_node(tmp_path):
    """Makes nodes that are the test's own; `new_node(shards=2, settings={...})` starts one."""
    if REFERENCE_PORT:
        pytest.skip("the reference is one broker, which tests neither start nor stop")
    nodes = []

    def make(started=True, **more):
        node = Node(tmp_path / f"node-{len(nodes)}", **more)
        nodes.append(node)
        return node.start() if started else node

    yield make
    for node in nodes:
        node.close()
    for node in nodes:
        shutil.rmtree(node.data, ignore_errors=True)  # segments are preallocated: 64 MiB and more a test


@pytest.fixture
def name(request, pool):
    """A word that no other test uses, for topics and client ids."""
    pool.count += 1
    return f"t{pool.count}-{request.node.originalname.removeprefix('test_')}"


@pytest.fixture
def tambo_only():
    """For what the reference does not do, or not so."""
    if REFERENCE_PORT:
        pytest.skip("Tambo's own")


@pytest.fixture
def parties(request):
    """Clients that are closed at the end of the test, whatever happened."""
    made = []

    def keep(party):
        made.append(party)
        return party

    yield keep
    for party in made:
        party.close()


# ---- sockets with patterns ----


@pytest.fixture(scope="session")
def libraries():
    """One child for each library, that all tests share; one that died is replaced for the next test."""
    made = {}
    yield made
    for party in made.values():
        party.close()


@pytest.fixture
def party_of(libraries):
    """`party_of("pyzmq")`; its sockets are closed at the end of the test."""
    used = {}

    def get(library):
        if library not in libraries:
            libraries[library] = sockets.Party(library)
        return used.setdefault(library, libraries[library])

    yield get
    for library, party in used.items():
        try:
            party.reset()
        except BaseException:
            del libraries[library]
            party.kill()
            raise


@pytest.fixture
def ours(party_of):
    return party_of("tambo")


@pytest.fixture(params=sockets.OTHERS)
def theirs(request, party_of):
    return party_of(request.param)


@pytest.fixture
def new_party():
    """A child of the test's own, which it may kill."""
    made = []

    def make(library):
        made.append(sockets.Party(library))
        return made[-1]

    yield make
    for party in made:
        if party.running():
            party.close()


# ---- remote procedure calls ----


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Where programs that need no rpcbind run."""
    here = rpcs.Here(tmp_path_factory.mktemp(TEMPORARY))
    yield here
    here.close()


@pytest.fixture
def place(tmp_path):
    """Where an rpcbind of the test's own may run."""
    place = rpcs.Place(tmp_path)
    yield place
    place.close()
