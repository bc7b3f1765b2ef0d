//! Files of a browser, read where they are needed and no sooner.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use convoke::data::Files;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Blob, FileReaderSync};

/// Files and their paths. Reading waits for the browser, so this works in workers alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlobFiles(pub BTreeMap<String, Blob>);

impl Files for BlobFiles {
    fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let blob = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes(blob)?.to_vec())
    }
}

/// A blob as a file that is read piece by piece, as archives are.
#[derive(Debug)]
pub(crate) struct BlobReader {
    blob: Blob,
    position: u64,
}

impl BlobReader {
    pub(crate) fn new(blob: Blob) -> Self {
        Self { blob, position: 0 }
    }

    fn length(&self) -> u64 {
        self.blob.size() as u64
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.length().min(self.position.saturating_add(buffer.len() as u64));
        if end <= self.position {
            return Ok(0);
        }
        let piece = self.blob.slice_with_f64_and_f64(self.position as f64, end as f64).map_err(|e| error(&e))?;
        let piece = bytes(&piece)?;
        let length = (piece.length() as usize).min(buffer.len());
        piece.slice(0, length as u32).copy_to(&mut buffer[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.length().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn bytes(blob: &Blob) -> io::Result<Uint8Array> {
    let reader = FileReaderSync::new().map_err(|e| error(&e))?;
    let buffer: ArrayBuffer = reader.read_as_array_buffer(blob).map_err(|e| error(&e))?;
    Ok(Uint8Array::new(&buffer))
}

/// What the browser said.
fn error(value: &wasm_bindgen::JsValue) -> io::Error {
    let said = value.dyn_ref::<web_sys::DomException>().map(web_sys::DomException::message);
    io::Error::other(said.unwrap_or_else(|| "the browser can't read it".into()))
}
