// ElfFile: a shared library read as data, never run (elf(5)). Every offset in it is checked
// against the file's size, so that a cut or made-up file is an error in words and never a crash.
#pragma once

#include <elf.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::loader {

class ElfFile {
 public:
  /// Maps it: with debugging information a module has megabytes, of which little is looked at.
  /// Throws std::runtime_error saying what is wrong: no ELF, another machine's, no shared library,
  /// cut off.
  explicit ElfFile(const std::filesystem::path& file);
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  ~ElfFile();

  struct Symbol {
    std::string name;
    bool defined;
  };
  /// .dynsym without its local symbols. Throws std::runtime_error when it makes no sense.
  std::vector<Symbol> dynamic_symbols() const;
  /// The runs of printable text that end in NUL, in data that is only read (.rodata).
  std::vector<std::string_view> literals() const;

 private:
  std::string_view slice(std::uint64_t offset, std::uint64_t size, const char* what) const;
  template <class T>
  T at(std::uint64_t offset, const char* what) const;
  void read_tables();
  void check_segments() const;
  std::string_view contents(const Elf64_Shdr& section) const;

  std::string_view bytes_;  // the mapping
  Elf64_Ehdr header_;
  std::vector<Elf64_Shdr> sections_;
};

}  // namespace cleave::loader
