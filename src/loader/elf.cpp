#include "loader/elf.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
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

/// Empty for an empty file.
std::string_view map(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("a file that this user cannot read");
  struct stat status = {};
  void* mapped = MAP_FAILED;
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    mapped = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  }
  close(fd);
  if (status.st_size == 0) return {};
  if (mapped == MAP_FAILED) throw std::runtime_error("a file that this user cannot read");
  return {static_cast<const char*>(mapped), static_cast<std::size_t>(status.st_size)};
}

void unmap(std::string_view bytes) {
  if (!bytes.empty()) munmap(const_cast<char*>(bytes.data()), bytes.size());
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
  return bytes_.substr(offset, size);
}

template <class T>
T ElfFile::at(std::uint64_t offset, const char* what) const {
  T value;
  std::memcpy(&value, slice(offset, sizeof value, what).data(), sizeof value);
  return value;
}

ElfFile::ElfFile(const std::filesystem::path& file) : bytes_(map(file)) {
  try {
    read_tables();
  } catch (...) {
    unmap(bytes_);
    throw;
  }
}

ElfFile::~ElfFile() {
  unmap(bytes_);
}

void ElfFile::read_tables() {
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
