#include "file/conversion.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "contents/structure.hpp"

namespace mth5::file {

Conversion::Conversion(hid_t dataset, std::string name)
    : name_{std::move(name)},
      type_{H5Dget_type(dataset), name_},
      element_bytes_{H5Tget_size(type_.get())},
      whole_{H5Tget_class(type_.get()) == H5T_INTEGER},
      of_nan_{contents::fill_value(dataset, name_).value_or(std::numeric_limits<double>::lowest())} {}

template <class T>
void Conversion::round(const char* elements, hsize_t count) {
  char* to = buffer_.data();
  for (hsize_t i = 0; i < count; ++i, elements += sizeof(T), to += sizeof(double)) {
    T value;
    std::memcpy(&value, elements, sizeof value);
    const double whole = std::isnan(value) ? of_nan_ : std::nearbyint(static_cast<double>(value));
    std::memcpy(to, &whole, sizeof whole);
  }
}

const char* Conversion::operator()(const char* elements, hsize_t count, hid_t memory_type) {
  if (memory_type != asked_) {
    from_ = h5::check(H5Tequal(type_.get(), memory_type), name_) > 0                   ? From::Same
            : whole_ && h5::check(H5Tequal(memory_type, H5T_NATIVE_DOUBLE), name_) > 0 ? From::Double
            : whole_ && h5::check(H5Tequal(memory_type, H5T_NATIVE_FLOAT), name_) > 0  ? From::Float
                                                                                       : From::Hdf5;
    asked_ = memory_type;
  }
  if (from_ == From::Same) return elements;
  const std::size_t from_bytes = from_ == From::Hdf5 ? H5Tget_size(memory_type) : sizeof(double);
  buffer_.resize(count * std::max(from_bytes, element_bytes_));
  if (from_ == From::Hdf5) std::copy_n(elements, count * from_bytes, buffer_.data());
  if (from_ == From::Double) round<double>(elements, count);
  if (from_ == From::Float) round<float>(elements, count);
  const hid_t source = from_ == From::Hdf5 ? memory_type : H5T_NATIVE_DOUBLE;
  h5::check(H5Tconvert(source, type_.get(), count, buffer_.data(), nullptr, H5P_DEFAULT), name_);
  return buffer_.data();
}

}  // namespace mth5::file
