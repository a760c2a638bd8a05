// Each module here is wrong in one way, and is refused in words that name it.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>

#include "seam/seam.hpp"

using namespace cleave;
using test::refusals_of;
using test::seam;
namespace fs = std::filesystem;

namespace {

/// The one refusal of a directory, without the file's name in front.
std::string refusal_in(const fs::path& directory) {
  const auto texts = refusals_of(directory);
  REQUIRE(texts.size() == 1);
  return texts.front();
}
std::string refusal(std::string_view name) {
  return refusal_in(seam(name));
}

/// A directory with one sound module, to be spoiled by the test.
struct Spoiled {
  test::TempDir dir;
  fs::path file = dir / "sound.so";
  Spoiled() {
    fs::copy_file(seam("sound/sound.so"), file);
    chmod(file.c_str(), 0755);
  }
  std::string refusal() const { return refusal_in(dir.path()); }
  void write(std::string_view bytes) const {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
};

}  // namespace

TEST_CASE("a sound module is loaded, again and again") {
  for (int i = 0; i < 3; ++i) {
    const auto loaded = loader::load_directory(seam("sound"));
    REQUIRE(loaded.refusals.empty());
    REQUIRE(loaded.libraries.size() == 1);
    CHECK(loaded.libraries[0].name() == "sound");
    CHECK(loaded.libraries[0].file.is_absolute());
  }
}

TEST_CASE("the first four fields are checked before the rest is believed") {
  CHECK(refusal("wrong_magic") ==
        "bad.so: magic: expected 0x434c4556, found 0x12345678; is this a Cleave module? export it "
        "with CLEAVE_MODULE");
  CHECK(refusal("abi_too_old") ==
        "bad.so: abi: expected 1, found 0, which is older; rebuild the module against this host's "
        "include/cleave");
  CHECK(refusal("abi_too_new") ==
        "bad.so: abi: expected 1, found 2, which is newer; update the host, or rebuild the module "
        "against this host's include/cleave");
  CHECK(refusal("short_struct") ==
        "bad.so: size: expected at least 104, found 64; rebuild the module against this host's "
        "include/cleave");
  CHECK(refusal("unknown_flags") ==
        "bad.so: flags: expected 0, found 0x00000004; update the host: it knows no flags yet");
}

TEST_CASE("a library without the entry, or with one that gives nothing, is refused") {
  CHECK(refusal("missing_symbol") ==
        "bad.so: symbol: expected cleave_module_v1, found no such symbol; export it with "
        "CLEAVE_MODULE, or as CLEAVE_EXPORT from C");
  CHECK(refusal("null_struct") ==
        "bad.so: cleave_module_v1: expected a pointer to a cleave_module, found NULL; return the "
        "address of a static struct");
  CHECK(refusal("throwing_entry") ==
        "bad.so: cleave_module_v1: expected a struct, found an exception; return the address of a "
        "static struct");
}

TEST_CASE("everything that is wrong with a module is told at once") {
  const auto texts = refusals_of(seam("bad_fields"));
  REQUIRE(texts.size() == 6);
  CHECK(texts[0] ==
        "bad.so: name: expected [a-z][a-z0-9_]{0,30}, found \"Bad-Name\"; change the "
        "module's name");
  CHECK(texts[1] ==
        "bad.so: version: expected a version such as \"1.2.0\", found \"new\"; change "
        "the module's version");
  CHECK(texts[2] ==
        "bad.so: path: expected \"/\" and lower case letters, digits, '-', '_', or "
        "NULL, found \"users\"; change the module's path");
  CHECK(texts[3] ==
        "bad.so: depends_on: expected a list that ends in NULL, found NULL; point it "
        "to a list whose first entry is NULL");
  CHECK(texts[4].starts_with("bad.so: config_keys: expected a list that ends in NULL"));
  CHECK(texts[5] ==
        "bad.so: handle: expected a function, found NULL; set all six functions; "
        "CLEAVE_MODULE does");
}

TEST_CASE("names in lists have a grammar, and each stands there once") {
  const auto texts = refusals_of(seam("bad_names"));
  REQUIRE(texts.size() == 2);
  CHECK(texts[0] ==
        "bad.so: depends_on: expected names of the form [a-z][a-z0-9_]{0,30}, found "
        "\"no/name\"; rename it");
  CHECK(texts[1] ==
        "bad.so: config_keys: expected each name once, found \"key\" twice; remove one of the two");
}

TEST_CASE("the host's own paths and names cannot be taken") {
  for (const std::string path : {"livez", "readyz", "internal", "metrics", "placement"}) {
    CHECK(refusal("reserved_" + path) ==
          "bad.so: path: expected a path of the module's own, found \"/" + path +
              "\"; choose another: the host answers this one itself");
  }
  CHECK(refusal("reserved_name") ==
        "bad.so: name: expected a name of the module's own, found \"redis\"; rename it: the host's "
        "own settings or databases have this name");
}

TEST_CASE("what dlopen says about a missing symbol is passed on") {
  const std::string text = refusal("undefined_symbol");
  CAPTURE(text);
  CHECK(text.starts_with("bad.so: dlopen: expected a library that loads, found "));
  CHECK(text.find("undefined symbol: nobody_has_this") != std::string::npos);
}

TEST_CASE("a constructor that crashes or exits costs its module, not the process") {
  const auto loaded = loader::load_directory(seam("crashing_constructor"));
  REQUIRE(loaded.refusals.size() == 1);
  CHECK(loaded.refusals[0].text() ==
        "bad.so: constructors: expected a library that can be opened, found SIGKILL in them; do "
        "nothing before create(): no global objects with constructors");
  REQUIRE(loaded.libraries.size() == 1);
  CHECK(loaded.libraries[0].name() == "sound");
  CHECK(refusal("exiting_constructor").find("found exit(7) in them") != std::string::npos);
}

TEST_CASE("a constructor that hangs is given five seconds, and no more") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(refusal("hanging_constructor").find("found nothing within 5 s: they hang") !=
        std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
}

TEST_CASE("a list of names that does not seem to end is not followed for ever") {
  CHECK(refusal("many_names").find("at most 32 names, then NULL") != std::string::npos);
}

TEST_CASE("a file that others can write is refused, and so is one in a directory of theirs") {
  const Spoiled spoiled;
  chmod(spoiled.file.c_str(), 0757);
  CHECK(spoiled.refusal().starts_with(
      "sound.so: file mode: expected not writable by group or others, found 0757; chmod go-w '"));
  chmod(spoiled.file.c_str(), 0775);
  CHECK(spoiled.refusal().find("found 0775; chmod go-w '") != std::string::npos);
  chmod(spoiled.file.c_str(), 0755);
  chmod(spoiled.dir.path().c_str(), 0777);
  CHECK(spoiled.refusal().starts_with(
      "sound.so: directory mode: expected not writable by others, found 0777; chmod o-w '"));
}

TEST_CASE("a file of another user is refused, and so is one in a directory of his") {
  if (geteuid() != 0) return;  // only root can make one
  const Spoiled spoiled;
  REQUIRE(chown(spoiled.file.c_str(), 4242, 4242) == 0);
  CHECK(spoiled.refusal().starts_with(
      "sound.so: file owner: expected root or this user, found uid 4242; chown '"));
  REQUIRE(chown(spoiled.file.c_str(), 0, 0) == 0);
  CHECK(refusals_of(spoiled.dir.path()).empty());
  REQUIRE(chown(spoiled.dir.path().c_str(), 4242, 4242) == 0);
  CHECK(spoiled.refusal().starts_with(
      "sound.so: directory owner: expected root or this user, found uid 4242; chown '"));
}

TEST_CASE("what is no whole shared library is refused before it is opened") {
  const Spoiled spoiled;
  const auto found = [&](const std::string& what) {
    const std::string text = spoiled.refusal();
    CAPTURE(text);
    CHECK(text ==
          "sound.so: file format: expected a shared library of this machine, whole, found " + what +
              "; build or copy the module again");
  };
  SUBCASE("empty") {
    spoiled.write("");
    found("an empty file");
  }
  SUBCASE("text") {
    spoiled.write("#!/bin/sh\necho hello\n");
    found("a file that is no ELF");
  }
  SUBCASE("only the magic number") {
    spoiled.write("\177ELF");
    found("a file that ends inside its ELF header");
  }
  SUBCASE("cut in the middle") {
    fs::resize_file(spoiled.file, fs::file_size(spoiled.file) / 2);
    const std::string text = spoiled.refusal();
    CHECK(text.find("found a file that ends inside its ") != std::string::npos);
  }
  SUBCASE("a program") {
    fs::copy_file("/proc/self/exe", spoiled.file, fs::copy_options::overwrite_existing);
    chmod(spoiled.file.c_str(), 0755);
    const std::string text = spoiled.refusal();  // a PIE is a shared object to elf(5)
    CHECK(text.starts_with("sound.so: "));
  }
}

TEST_CASE("only regular files are modules") {
  const test::TempDir dir;
  fs::create_directory(dir / "folder.so");
  CHECK(refusal_in(dir.path()) ==
        "folder.so: file: expected a regular file, found a directory; put only module files under "
        "names that end in .so");
  fs::remove(dir / "folder.so");
  REQUIRE(mkfifo((dir / "pipe.so").c_str(), 0600) == 0);
  CHECK(refusal_in(dir.path()).find("found a pipe") != std::string::npos);
  fs::remove(dir / "pipe.so");
  fs::create_symlink("nowhere", dir / "link.so");
  CHECK(refusal_in(dir.path()).find("link.so: file: expected a regular file, found a link") == 0);
}

// Who may turn the link elsewhere is not seen in the file that it leads to.
TEST_CASE("a link to a sound module is refused, one to its directory is not") {
  const test::TempDir dir;
  fs::create_symlink(seam("sound/sound.so"), dir / "sound.so");
  CHECK(refusal_in(dir.path()) ==
        "sound.so: file: expected a regular file, found a link; put only module files under names "
        "that end in .so");
  fs::create_directory_symlink(seam("sound"), dir / "modules");
  CHECK(refusals_of(dir / "modules").empty());
}

TEST_CASE("one file under two names is refused") {
  const Spoiled spoiled;
  fs::rename(spoiled.file, spoiled.dir / "alias.so");
  fs::create_hard_link(spoiled.dir / "alias.so", spoiled.dir / "again.so");
  CHECK(spoiled.refusal() ==
        "alias.so: file: expected each file under one name, found the same file as again.so; "
        "remove one of the two names");
}

TEST_CASE("two modules cannot share a name or a path") {
  CHECK(refusal("same_name") ==
        "two.so: name: expected a name of its own, found user, which one.so has too; rename one of "
        "the two modules, or remove one file");
  CHECK(refusal("same_path") ==
        "two.so: path: expected a path of its own, found /users, which one.so serves too; change "
        "kPath of one of the two modules");
}

TEST_CASE("every unknown dependency is told, and one that lives elsewhere is not unknown") {
  const auto texts = refusals_of(seam("unknown_dependency"));
  REQUIRE(texts.size() == 2);
  CHECK(texts[0] ==
        "order: depends_on: expected modules that are here or have a URL, found user; "
        "load user too, or say where it lives");
  CHECK(texts[1].find("found stock;") != std::string::npos);
  const auto loaded = loader::load_directory(seam("unknown_dependency"), {}, {"user", "stock"});
  CHECK(loaded.refusals.empty());
}

TEST_CASE("cycles are named in full, each of them") {
  const auto texts = refusals_of(seam("cycle"));
  REQUIRE(texts.size() == 2);
  CHECK(texts[0] ==
        "order: depends_on: expected no cycle, found order -> user -> product -> order; "
        "remove one of these edges, or move what both need to a module below");
  CHECK(texts[1].find("found self -> self;") != std::string::npos);
}

TEST_CASE("modules come in the order of their dependencies, equals by name") {
  const auto loaded = loader::load_directory(seam("order"));
  std::string order;
  for (const auto& library : loaded.libraries) order += library.name();
  CHECK(order == "bdca");
}

TEST_CASE("only the modules that were asked for are opened, and a wrong name is told") {
  const auto loaded = loader::load_directory(seam("order"), {"b", "d", "b"});
  CHECK(loaded.libraries.size() == 2);
  CHECK(loaded.refusals.empty());
  const auto wrong = loader::load_directory(seam("order"), {"b", "e"});
  REQUIRE(wrong.refusals.size() == 1);
  CHECK(wrong.refusals[0].text() ==
        "e: modules: expected one of a, b, c, d, found e; correct the name, or build the module");
}

TEST_CASE("a directory that is empty or not there has no modules and no refusals") {
  const test::TempDir dir;
  CHECK(loader::load_directory(dir.path()).libraries.empty());
  CHECK(loader::load_directory(dir / "none").refusals.empty());
}
