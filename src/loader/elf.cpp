#include "loader/elf.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace cleave::loader {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "name this machine's e_machine (elf.h)"
#endif

bool printable(char c) {
  return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

std::string_view text_at(std::string_view strings, std::uint64_t offset) {
  if (offset >= strings.size()) throw std::runtime_error("a symbol's name lies outside the file");
  const std::string_view rest = strings.substr(offset);
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) throw std::runtime_error("a symbol's name does not end");
  return rest.substr(0, end);
}

}  // namespace

std::string_view ElfFile::slice(std::uint64_t offset, std::uint64_t size, const char* what) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) {
    throw std::runtime_error(std::string("a file that ends inside its ") + what);
  }
  return std::string_view(bytes_).substr(offset, size);
}

template <class T>
T ElfFile::at(std::uint64_t offset, const char* what) const {
  T value;
  std::memcpy(&value, slice(offset, sizeof value, what).data(), sizeof value);
  return value;
}

ElfFile::ElfFile(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) throw std::runtime_error("a file that this user cannot read");
  bytes_.resize(static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0)));
  in.seekg(0);
  in.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  bytes_.resize(static_cast<std::size_t>(in.gcount()));
  if (!bytes_.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    throw std::runtime_error(bytes_.empty() ? "an empty file" : "a file that is no ELF");
  }
  header_ = at<Elf64_Ehdr>(0, "ELF header");
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
      header_.e_machine != kMachine) {
    throw std::runtime_error("an ELF file of another machine");
  }
  if (header_.e_type != ET_DYN) throw std::runtime_error("an ELF file that is no shared library");
  check_segments();
  if (header_.e_shnum != 0 && header_.e_shentsize != sizeof(Elf64_Shdr)) {
    throw std::runtime_error("an ELF file with sections of an unknown size");
  }
  for (std::uint64_t i = 0; i < header_.e_shnum; ++i) {
    slice(header_.e_shoff, 0, "section table");  // so that the sum below cannot wrap
    sections_.push_back(at<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr), "section table"));
  }
}

/// dlopen maps these without looking: a segment that the file does not have is a SIGBUS later.
void ElfFile::check_segments() const {
  if (header_.e_phnum == 0 || header_.e_phentsize != sizeof(Elf64_Phdr)) {
    throw std::runtime_error("an ELF file without segments");
  }
  slice(header_.e_phoff, 0, "segment table");
  for (std::uint64_t i = 0; i < header_.e_phnum; ++i) {
    const auto segment = at<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr), "segment table");
    if (segment.p_type == PT_LOAD) slice(segment.p_offset, segment.p_filesz, "segments");
  }
}

std::string_view ElfFile::contents(const Elf64_Shdr& section) const {
  if (section.sh_type == SHT_NOBITS) return {};
  return slice(section.sh_offset, section.sh_size, "sections");
}

std::vector<ElfFile::Symbol> ElfFile::dynamic_symbols() const {
  std::vector<Symbol> symbols;
  bool found = false;
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_DYNSYM) continue;
    found = true;
    if (section.sh_link >= sections_.size()) {
      throw std::runtime_error("a symbol table without names");
    }
    const std::string_view strings = contents(sections_[section.sh_link]);
    const std::string_view table = contents(section);
    for (std::size_t i = 0; i + sizeof(Elf64_Sym) <= table.size(); i += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, table.data() + i, sizeof symbol);
      if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || symbol.st_name == 0) continue;
      symbols.push_back(
          {std::string(text_at(strings, symbol.st_name)), symbol.st_shndx != SHN_UNDEF});
    }
  }
  if (!found) throw std::runtime_error("a library without a table of dynamic symbols");
  return symbols;
}

std::vector<std::string_view> ElfFile::literals() const {
  std::vector<std::string_view> found;
  for (const Elf64_Shdr& section : sections_) {
    constexpr Elf64_Xword kKinds = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;
    if (section.sh_type != SHT_PROGBITS || (section.sh_flags & kKinds) != SHF_ALLOC) continue;
    const std::string_view data = contents(section);
    std::size_t start = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (printable(data[i])) continue;
      if (data[i] == '\0' && i > start) found.push_back(data.substr(start, i - start));
      start = i + 1;
    }
  }
  return found;
}

}  // namespace cleave::loader
