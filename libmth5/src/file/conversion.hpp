#pragma once

#include <string>
#include <vector>

#include "h5/handle.hpp"

namespace mth5::file {

/// Makes of samples in memory what a dataset stores. Whole numbers become floats and wider whole numbers as they are; what is out
/// of range becomes the nearest that is in range. Floats become the nearest whole number (halves: the even one), and NaN the fill
/// value of the dataset, or where it has none the lowest value of its type. HDF5 alone would cut 2.7 to 2 and make 0 of NaN.
/// Thread: writer.
class Conversion {
 public:
  /// @param name  for messages
  Conversion(hid_t dataset, std::string name);

  /// @returns `count` elements as the dataset has them: `elements` itself, or a buffer that is good until the next call
  [[nodiscard]] const char* operator()(const char* elements, hsize_t count, hid_t memory_type);
  [[nodiscard]] hid_t type() const { return type_.get(); }
  [[nodiscard]] std::size_t element_bytes() const { return element_bytes_; }

 private:
  enum class From { Same, Hdf5, Double, Float };
  template <class T>
  void round(const char* elements, hsize_t count);

  std::string name_;
  h5::Datatype type_;
  std::size_t element_bytes_;
  bool whole_ = false;  ///< stores whole numbers
  double of_nan_;
  hid_t asked_ = H5I_INVALID_HID;  ///< the memory type that `from_` is about
  From from_ = From::Same;
  std::vector<char> buffer_;
};

}  // namespace mth5::file
