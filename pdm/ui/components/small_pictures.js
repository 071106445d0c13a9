// Pictures are made small before they are sent: what a phone takes is larger than any model sees, and than the server takes.
//
// Before this: `mostUpload`, the bytes of a file that the server takes; `mostPicture`, those of a picture before it is small.
(() => {
  const LARGE = 1_000_000;  // bytes; smaller files are sent as they are
  const SIDE = 1024;  // pixels that the longer side has afterwards
  const send = window.fetch.bind(window);

  const small = async file => {
    const image = await createImageBitmap(file), part = Math.min(1, SIDE / Math.max(image.width, image.height));
    const canvas = Object.assign(document.createElement('canvas'), {
      width: Math.max(1, Math.round(image.width * part)), height: Math.max(1, Math.round(image.height * part)),
    });
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close?.();
    const blob = await new Promise(resolve => { canvas.toBlob(resolve, 'image/jpeg', 0.92); });
    return new File([blob], `${file.name.replace(/\.\w+$/, '')}.jpg`, {type: 'image/jpeg'});
  };
  // A picture that this browser cannot read goes out as it is: the server says what is wrong with it.
  const fitting = async file => {
    if (!(file instanceof File) || !file.type.startsWith('image/') || file.size <= LARGE || file.size > mostPicture) return file;
    try { return await small(file); } catch { return file; }
  };
  const tooLarge = file => new Response(
    `“${file.name}” has ${(file.size / 1e6).toFixed(1)} MB. ${file.type.startsWith('image/') ? `Pictures may have ${mostPicture / 1e6}` : `Files may have ${mostUpload / 1e6}`}.`,
    {status: 413});

  window.fetch = async (asked, options) => {
    const uploads = /\/upload(\?|$)/.test(asked?.url ?? asked) && options?.body instanceof FormData;
    if (!uploads) return send(asked, options);
    const body = new FormData();
    for (const [name, file] of options.body) {
      const made = await fitting(file);
      if (made.size > mostUpload) return tooLarge(made);
      body.append(name, made);
    }
    return send(asked, {...options, body});
  };
})();
